"""Ways to reach people: each turns its platform's updates into messages and back."""
