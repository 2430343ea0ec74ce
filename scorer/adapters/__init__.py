"""The real parts behind the scorer's ports, named technology_role."""
