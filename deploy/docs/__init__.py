"""Makes the pages of docs/reference from the code, and the pictures of docs/pictures from real runs."""
