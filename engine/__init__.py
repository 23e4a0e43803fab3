"""Code that runs inside the Rasa environment: launcher, channel and pipeline parts."""
