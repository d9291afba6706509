"""A saved model over HTTP: `application` is a FastAPI app, `schema` the types of requests and answers."""
