"""The answer to a guest's question for its address, served inside the pod."""
