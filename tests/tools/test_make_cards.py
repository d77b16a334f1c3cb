from tools.make.cards import against_rest, fill, strata, table

PART = {"balanced_accuracy": 0.97, "balanced_accuracy_95": [0.95, 0.98]}


def test_figures_stand_with_interval_and_the_other_files_beside():
    others = {"int8_qdq": {"balanced_accuracy": 0.969}, "fp32": {"balanced_accuracy": 0.971}}
    text = table({"eyes": {**PART, **others}})
    assert "| 0.970 | 0.950 .. 0.980 | 0.969 | 0.971 |" in text
    assert text.count("\n") == 2  # what was not measured has no row


def test_a_net_without_file_for_tensorrt_has_an_empty_cell():
    text = table({"eyes": {**PART, "fp32": {"balanced_accuracy": 0.971}}})
    assert "| 0.970 | 0.950 .. 0.980 |  | 0.971 |" in text


def test_strata_without_both_states_leave_the_cell_empty():
    one = {"pictures": 5, "balanced_accuracy": None, "recall_open": None, "recall_closed": 1.0}
    assert "| subject 8 | 5 |  |  | 1.000 |" in strata({"eyes": {"strata": {"subject_8": one}}})


def test_only_what_stands_between_the_markers_changes():
    card = "before <!-- a -->old\n<!-- /a --> after <!-- b --><!-- /b -->"
    filled = fill(card, {"a": r"new \1", "b": "x"})
    assert filled == r"before <!-- a -->new \1<!-- /a --> after <!-- b -->x<!-- /b -->"
    assert fill(filled, {"a": r"new \1", "b": "x"}) == filled


def test_posed_sets_stand_with_intervals_and_without_a_rest_empty():
    known = {"people": 3, "pictures": 62, "rage_auroc": 0.9376, "rage_auroc_95": [0.9, 0.99]}
    none = {"people": 0, "pictures": 0, "rage_auroc": None, "absolute_rage_auroc": 0.958}
    text = against_rest({"relative_held_out": {"sets": {"jaffe": known, "radiate": none}, **known}})
    assert "| jaffe | 3 | 62 | 0.938 [0.900, 0.990] |  |  |  |" in text
    assert "| radiate | 0 | 0 |  |  |  | 0.958 |" in text
    assert "| all | 3 | 62 |" in text
