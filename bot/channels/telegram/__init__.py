"""Telegram: durable receipt by polling or webhook, and sending within its limits."""

from bot.channels.telegram.api import TELEGRAM_API_URL, BotApiError, TelegramApi, Timeouts
from bot.channels.telegram.channel import TelegramChannel
from bot.channels.telegram.limiter import SendLimiter, SendLimits
from bot.channels.telegram.logs import TokenFilter, protect_logs
from bot.channels.telegram.polling import Polling
from bot.channels.telegram.updates import (
    ChatBlocked,
    DeskIntake,
    Receive,
    to_chat_blocked,
    to_incoming,
    to_topic_post,
)
from bot.channels.telegram.webhook import Webhook, webhook_routes

__all__ = [
    "TELEGRAM_API_URL",
    "BotApiError",
    "ChatBlocked",
    "DeskIntake",
    "Polling",
    "Receive",
    "SendLimiter",
    "SendLimits",
    "TelegramApi",
    "TelegramChannel",
    "Timeouts",
    "TokenFilter",
    "Webhook",
    "protect_logs",
    "to_chat_blocked",
    "to_incoming",
    "to_topic_post",
    "webhook_routes",
]
