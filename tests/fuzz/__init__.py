"""Fuzzes the decoder: python -m tests.fuzz --inputs 1000000 --seed 1"""
