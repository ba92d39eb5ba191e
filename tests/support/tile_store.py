"""A log's tiles in memory: what is published, and what is asked for."""

from receipt_service.tlog.tiles import ENTRIES, grow_tiles, tiles_for_growth


class TileStore:
    """Tiles by path; a partial tile that was never published cannot be read."""

    def __init__(self, leaf_hashes=()):
        self.files = {}
        self.size = 0
        self.read_paths = []
        if leaf_hashes:
            self.grow(leaf_hashes)

    def read(self, tile):
        self.read_paths.append(tile.path)
        return self.files[tile.path]

    def grow(self, leaf_hashes):
        """Append leaves; only hash tiles are kept here."""
        made = list(grow_tiles(self.size, leaf_hashes, self.read))
        new_size = self.size + len(leaf_hashes)
        wanted = [tile for tile in tiles_for_growth(self.size, new_size) if tile.level != ENTRIES]
        assert [tile for tile, _ in made] == wanted
        self.files.update({tile.path: data for tile, data in made})
        self.size = new_size
