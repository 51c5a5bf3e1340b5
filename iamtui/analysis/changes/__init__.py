"""Change history: what CloudTrail events, stored policy versions and AWS Config items tell, merged, explained and put back as text.

`events`, `versions` and `items` read one source each; `merging` makes one entry of what several tell; `settling` fills in what stood
before and after; `history` joins it all for an account; `standing` walks an identity back in time; `meaning` says what an entry gives and
takes; `undoing` and `terraform` write the text that puts it back.
"""
