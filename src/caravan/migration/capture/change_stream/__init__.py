"""MongoDB's change streams: https://www.mongodb.com/docs/manual/changeStreams/; they need a replica set, of one member at least."""
