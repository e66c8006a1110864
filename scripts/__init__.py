"""One standalone script per source, and the few that work on all of them."""
