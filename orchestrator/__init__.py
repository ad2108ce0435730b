"""orchestrator: decides and runs. A pure core, the bus that moves samples for it, and an asyncio shell."""
