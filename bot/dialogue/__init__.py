"""Everything that touches the engine: its client, its texts, its actions, its answers."""
