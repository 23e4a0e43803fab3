"""What operators watch: health, counters and queues, without anything about a person."""
