"""What reviewers decided, as text that does it: steps in AWS's order, what speaks against them, and what puts each back."""
