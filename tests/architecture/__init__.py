"""The rules of the house, checked: who may import whom, and how code is written here."""
