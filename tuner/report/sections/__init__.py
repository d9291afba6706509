"""The sections of a page, one file each: evidence in, content out."""
