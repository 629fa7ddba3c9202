"""The account of a client on the mainframe: asked for once, however late its answer is (S29 to S32, X9)."""
