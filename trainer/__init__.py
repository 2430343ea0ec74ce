"""History in, a model bundle out; the only package that knows TensorFlow."""
