"""The tables and the bucket in AWS: what they should be, what they are, and the rights they need."""
