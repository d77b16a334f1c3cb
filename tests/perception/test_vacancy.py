import numpy as np

from dms.perception.vacancy import Vacancy, VacancySettings
from dms.values import Frame


def test_a_clock_that_is_set_back_does_not_stop_the_search():
    still = np.full((120, 160), 90, np.uint8)
    vacancy = Vacancy(VacancySettings())
    for number in range(30):
        vacancy.due(Frame(still, 100 + number / 30, number), 0.1)
    assert any(vacancy.due(Frame(still, 5 + number / 30, number), 0.1) for number in range(9))
