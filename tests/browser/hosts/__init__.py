"""The programs that show a widget: how each is started, and what of the widget works in its pages."""
