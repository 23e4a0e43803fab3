"""The application around the engine: channels, conversations, measures, handover."""
