"""The project as its users meet it: commands as processes, real servers."""
