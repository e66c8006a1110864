"""What publishing needs in AWS: the tables, the bucket, and the least rights of each command."""
