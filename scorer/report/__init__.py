"""`backtest --report`: what a run forecast and told, beside what came, as one page. Nothing here runs unless asked."""
