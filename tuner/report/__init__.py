"""Reports: a study in the storage and the results of documents as content, and the content as pages."""
