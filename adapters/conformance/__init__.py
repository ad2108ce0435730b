"""The conformance kit: one suite that every text-to-speech adapter passes, ours or anybody's. It works offline.

    Recipe  how an adapter is made, here and in another process
    Subject the adapter under test, and what it has spoken already
    Check   one named promise -> Finding (value, limit, passed, a sentence)
    suite   all checks, in order

Rules. A check looks at one promise only, so that a broken engine fails the check that is about it, and no other. Checks
count and compare; what has to do with time is a share or an order of events. What an engine does not claim is
not held against it: the finding has `passed` None. Nothing here knows an engine, a test framework or a screen.
"""
