"""Pages for people and their tools: the list of endpoints, a page for each, llms.txt and OpenAPI documents."""
