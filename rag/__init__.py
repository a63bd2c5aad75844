"""The core of Isnad: from a question and a collection of articles to an answer with its sources."""
