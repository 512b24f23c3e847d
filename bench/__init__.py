"""Figures of the engine and the whole product, beside the limits of the machine they ran on."""
