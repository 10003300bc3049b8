"""Precise harvest: field state, yield and ready dates, and the cutting plan. Pure; see docs/methods-harvest.md."""
