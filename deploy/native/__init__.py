"""`make stack`: the processes of docker-compose.yml without Docker, with the same configuration and rule files."""
