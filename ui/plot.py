def draw_panel(folder): return ""
