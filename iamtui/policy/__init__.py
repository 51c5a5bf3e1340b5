"""The policy language: documents, wildcards and the catalogue of actions. Evaluation is built on these."""
