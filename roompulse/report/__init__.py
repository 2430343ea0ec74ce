"""Reports: one HTML file that needs nothing beside it, with tables and plots for the screen and for paper.

Whoever writes one gives figures as plain data (`plots`) and texts; `page` puts them together. Plotly is loaded only
there, from the extra `report`.
"""
