"""What tests share: builders and stand-ins for services out of reach."""
