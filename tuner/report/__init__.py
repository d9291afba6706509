"""Reports: what a storage and the kept results hold, as content, and the content as pages."""
