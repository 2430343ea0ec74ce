"""The pure core: a deterministic fold over a partition's log. No clock, no logging, no metrics, no I/O.

Read in the order of one event's way: fold, decode, batch, words, wave, judge, basis, suspicion, evidence, regime,
tails, outlook, serve, tell, correct, hotlist, moves, fleet, drivers, sentence, write.
"""
