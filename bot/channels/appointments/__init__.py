"""The page behind the secret address of a booking, and counsellors' calendar feeds."""

from bot.channels.appointments.routes import appointment_routes

__all__ = ["appointment_routes"]
