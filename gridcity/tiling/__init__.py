"""Cells as a covering of the city: point to cell, overlaps, numbering."""
