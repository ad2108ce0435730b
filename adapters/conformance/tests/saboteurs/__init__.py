"""Engines that are broken on purpose: each is the tone, and breaks one promise, after which it is named.

One that breaks a promise of `adapters.conformance.closing` lives in `closing` here, and so on; `honest` breaks none.
They are asked for as package.module:Class, as an adapter of somebody else's is.
"""
