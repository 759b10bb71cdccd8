"""Figures and tables for people: cards of models, before/after pictures."""
