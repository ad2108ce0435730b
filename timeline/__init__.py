"""timeline: remembers. Events, clocks, the journal, the ledger and the measures taken from them."""
