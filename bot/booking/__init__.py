"""Booking: counselling appointments that are offered, held, booked once and kept in time."""
