"""What people do in Slack's client: type, press, choose, fill in. All of it ends in a delivery to the app."""
