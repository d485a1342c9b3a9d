"""The OpenAPI document, made from the operations, the errors and the structs of the contract."""
