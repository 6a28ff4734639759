"""Selling: catalogue, customers, orders, payments, promotions, affiliates. Each feature is a folder with one door."""
