"""stitcher: touches samples. The ring, resampling, seams, the stitcher and what the sink plays."""
