"""A saved model over HTTP: `application` is a FastAPI app, `columns` the types of a row, `answers` what it gives."""
