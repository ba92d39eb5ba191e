"""The supervisors' dashboard: released figures as pages."""
