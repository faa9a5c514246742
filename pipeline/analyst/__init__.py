"""What analysts ask of texts, labels and models: what to label next, which labels look wrong, what has drifted."""
