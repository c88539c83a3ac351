"""Who speaks where: speaker turns in plain text, and documents from timed cues."""
